"""What the adversarial generators of images share: settings, training, watching, drawing."""
