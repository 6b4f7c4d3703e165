"""Drops synthetic texts in another language than wanted."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Self, final

from pydantic import Field, model_validator

from lookalike.core.contracts import Method, Reference, Selection
from lookalike.core.errors import ConfigError
from lookalike.core.rng import Rng
from lookalike.data.corpus import Corpus
from lookalike.techniques.selection import without

_MOST_CHARACTERS = 2000


@final
class Language(Method):
    """Keeps texts that a detector gives one of the wanted languages; reads no real data.

    Texts of a word or two cannot be told apart well: those below `min_characters` are kept. Of longer texts the first
    2,000 characters count.

    Source: ours; detection by the lingua library, which is trained on 75 languages.
    """

    reads_real: ClassVar[bool] = False

    languages: tuple[str, ...] = Field(
        default=("en",),
        min_length=1,
        description="Wanted languages, two-letter codes of ISO 639-1, for example [en, de].",
    )
    minimum: float = Field(
        default=0.2, ge=0, le=1, description="Least probability of the wanted languages together, 0 to 1."
    )
    min_characters: int = Field(default=12, ge=0, description="Shorter texts are kept, whatever they are.")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if wrong := [code for code in self.languages if not (len(code) == 2 and code.isascii() and code.isalpha())]:
            raise ValueError(f"languages: '{wrong[0]}' is no two-letter code of ISO 639-1, such as en or de")
        return self

    def select(self, data: Corpus, real: Reference[Corpus] | None, rng: Rng) -> Selection:
        """Return the texts in a wanted language; nothing is drawn and no real row is read.

        Raises:
            ConfigError: The package lingua is missing, or knows no such language.
        """
        del real, rng
        detector = _detector()
        wanted = {code.upper() for code in self.languages}
        known = {found.language.iso_code_639_1.name for found in detector.compute_language_confidence_values("a text")}
        if unknown := sorted(wanted - known):
            raise ConfigError(
                f"text.language: the detector knows no language '{unknown[0].lower()}'; allowed: "
                + ", ".join(sorted(code.lower() for code in known))
            )
        why = {}
        for row, text in enumerate(data.texts()):
            if len(text.strip()) < self.min_characters:
                continue
            told = detector.compute_language_confidence_values(
                text[:_MOST_CHARACTERS].encode("utf-8", "replace").decode()
            )
            if sum(one.value for one in told if one.language.iso_code_639_1.name in wanted) < self.minimum:
                why[row] = f"not {' or '.join(self.languages)}, rather {told[0].language.iso_code_639_1.name.lower()}"
        return without(len(data), why, "language")


@cache
def _detector() -> Any:  # noqa: ANN401  an optional module
    try:
        from lingua import LanguageDetectorBuilder
    except ImportError:
        raise ConfigError(
            "text.language needs the package lingua-language-detector, which is not installed; "
            "pip install 'lookalike[language]'"
        ) from None
    return LanguageDetectorBuilder.from_all_languages().build()
