"""How a run comes about: the schedule of records and rates, and the training itself."""
