"""Lower bounds on the minimal adversarial perturbation. They import no attack."""
