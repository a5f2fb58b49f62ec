"""Certified accuracy of sign networks beside linear classifiers and other models.

Among the other models are 1-Lipschitz networks, whose radii are proven, and models
smoothed by noise, whose radii hold with a confidence. The two are never mixed.

The parameters of models that have a certificate are chosen by cross-validation on the
training images, by the geometric mean of their errors, images not correct and
certified, at L2 0, 0.5, 1 and 2; the models are then trained on all of them, and
certified on the test images. Models without a certificate are attacked: what is left of
their accuracy is an upper bound of their certified accuracy.
"""
