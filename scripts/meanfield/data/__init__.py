"""What goes in and what is kept: the tasks, the published files, tables of the user's own, labelled arrays on disk."""
