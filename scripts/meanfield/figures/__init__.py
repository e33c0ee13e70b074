"""What people look at: figures, tables, videos, the explorer, small pages."""

MARK_COLOUR = "#B00000"  # in which pictures and pages say that data are a stand-in
