"""How fast metrics are, and how much memory they take."""
