"""What surrounds the work: the plan of a configuration, what jobs ask for, their log, end, disk and provenance."""
