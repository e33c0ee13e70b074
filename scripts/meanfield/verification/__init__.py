"""Our numbers against the published ones: what is compared, how far it may deviate, the verdicts."""
