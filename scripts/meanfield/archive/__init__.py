"""The whole reproduction in one file that describes itself: made of a commit and its results, and checked from it alone."""
