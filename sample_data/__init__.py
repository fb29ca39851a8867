"""An invented core-dataset export, and the configs that run on it. Nothing in it is about anybody."""
