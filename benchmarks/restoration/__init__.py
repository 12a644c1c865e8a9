"""Small networks that restore images, trained with several losses and judged by metrics that no loss optimised."""
