"""The metric in the form that other libraries expect; each module needs the extra of the same name."""
