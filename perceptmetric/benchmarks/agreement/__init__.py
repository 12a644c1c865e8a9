"""How well a metric agrees with people: scores, statistics, report and plots."""
