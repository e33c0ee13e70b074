"""Many members of each run: what each came to, and the paper's claims, judged on them."""
