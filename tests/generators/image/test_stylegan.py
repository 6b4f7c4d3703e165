"""Rules of StyleGAN; what all adversarial generators promise stands in gan/test_duel.py."""

from __future__ import annotations

from lookalike.generators.image.stylegan import Stylegan


def test_styles_are_mixed_on_large_images_only() -> None:
    config = Stylegan()
    small, large = (config.rules(config.shape(side, side, 3, 0, "cpu")) for side in (32, 128))
    assert (small.mixing, large.mixing) == (0.0, 0.9)


def test_the_penalty_follows_pixels_and_batch() -> None:
    rules = [
        Stylegan(batch_size=batch).rules(Stylegan().shape(side, side, 3, 0, "cpu"))
        for side, batch in ((1024, 32), (512, 32), (1024, 64), (8, 32))
    ]
    assert [one.gamma for one in rules] == [10.0, 2.5, 5.0, 1.0]
    assert Stylegan(gamma=3.0).rules(Stylegan().shape(8, 8, 1, 0, "cpu")).gamma == 3.0
