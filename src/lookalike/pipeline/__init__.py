"""Recipe, plan and run."""
