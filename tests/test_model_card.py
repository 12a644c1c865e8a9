import huggingface_hub

from perceptmetric import model_card


def test_the_card_tells_what_the_config_holds_and_no_more(tmp_path):
    model_card.write(tmp_path, {})
    card = huggingface_hub.ModelCard.load(tmp_path / "README.md")
    assert card.data.library_name == "perceptmetric"
    assert card.data.license == "mit"
    assert "Its config does not say." in card.text
    assert "Scores" not in card.text
    score = {"dataset": "TID2013 replica", "pairs": 3000, "stage": "gdn4", "srocc": 0.73841}
    model_card.write(
        tmp_path, {"objective": {"name": "denoise", "sigma": 0.1}, "seed": 0, "scores": [score]}, "owner/name"
    )
    text = (tmp_path / "README.md").read_text()
    assert "| `objective.sigma` | `0.1` |" in text
    assert "| dataset | pairs | stage | srocc |" in text
    assert "| TID2013 replica | 3000 | gdn4 | 0.738 |" in text
    assert "@inproceedings" in text
