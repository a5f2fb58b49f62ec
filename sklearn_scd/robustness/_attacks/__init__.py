"""Upper bounds on the minimal adversarial perturbation. They import no certificate."""
