"""One suite for every registered method: what a contract promises, each method keeps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.data.people import codes

from lookalike.core.contracts import Reference
from lookalike.core.events import SILENT
from lookalike.core.registry import find, kinds, names
from lookalike.core.rng import Rng
from lookalike.core.schema import Column, Member
from lookalike.data.corpus import Corpus, text_schema
from lookalike.data.images import Images, image_schema
from lookalike.data.relations import Relations, relations_schema
from lookalike.data.table import Table, Values, table_schema

TRAINS_QUICKLY: dict[str, dict[str, Any]] = {
    "image.ddpm": {"steps": 2, "minutes": None, "batch_size": 8, "sampling": {"steps": 2}},
    "image.cnn": {"steps": 4},
    "image.task_cnn": {"steps": 4},
    "image.train_on_synthetic": {"seeds": 1},
    "image.equivariance": {"images": 64},
    "image.perceptual_path_length": {"pairs": 64},
    "text.prompted": {
        "task": {"describe": "short notes", "labels": {"up": "about rising", "down": "about falling"}},
        "backend": {"use": "echo"},
    },
}
_SAYS = (
    '{"question": "q {key}?", "answer": "a", "support": "e", "instruction": "list {key} of {key}", "best": "1", '
    '"worst": "2", "reason": "r {key}"}'
)
_ASKS = {"backend": {"use": "echo", "answers": [_SAYS]}}
TRAINS_QUICKLY |= {
    "text.grounded": {**_ASKS, "check": False},
    "text.preference": {**_ASKS, "swap": False},
    "text.evolved": _ASKS,
}
TRAINS_QUICKLY |= {
    f"image.{name}": {"steps": 2, "batch_size": 8} for name in ("dcgan", "r3gan", "stylegan", "stylegan2", "stylegan3")
}
TRAINS_QUICKLY |= {"tabular.autoregressive": {"steps": 2, "batch_size": 8, "hidden": 8}}
TRAINS_QUICKLY |= {"tabular.diffusion": {"steps": 2, "batch_size": 8, "hidden": 8, "sampling": {"steps": 2}}}
TRAINS_QUICKLY |= {"tabular.mixture": {"rounds": 3, "components": 4}}
TRAINS_QUICKLY |= {"tabular.ctgan": {"steps": 2, "batch_size": 8, "hidden": 8, "latent": 2}}
TRAINS_QUICKLY |= {"tabular.tvae": {"steps": 2, "batch_size": 8, "hidden": 8, "latent": 2}}
FINETUNED = {"steps": 2, "batch_size": 4, "max_tokens": 70, "canaries": 2}
DRAWS_NOTHING = {"text.tfidf", "text.embedding", "tabular.boosting", "tabular.logistic"}
pytestmark = pytest.mark.usefixtures("four_steps", "brief_watching")
NEEDS_A_FILE_OF_THE_USER = {"image.inception"}
NEEDS_AN_EXTRA = {"image.efficientnet_lite0"}


def tiny(n: int, seed: int) -> Images:
    """Two classes of 8x8 images: a bright upper or lower half, with noise."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 2
    pixels = draw.integers(0, 120, (n, 8, 8, 1))
    pixels[labels == 0, :4] += 120
    pixels[labels == 1, 4:] += 120
    return Images(pixels.astype(np.uint8), labels, image_schema(8, 8, 1, ["up", "down"]))


def notes(n: int, seed: int) -> Corpus:
    """Two classes of texts: words of rising or falling, with noise."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n, dtype=np.int64) % 2
    words = np.array(["rise", "climb", "high", "fall", "sink", "low", "the", "we", "day", "then"])
    share = np.array([[3, 3, 3, 1, 1, 1, 2, 2, 2, 2], [1, 1, 1, 3, 3, 3, 2, 2, 2, 2]]) / 20
    texts = [" ".join(draw.choice(words, 12, p=share[label])) for label in labels]
    return Corpus.of(texts, labels, text_schema(["up", "down"]))


def judged(data: Any) -> Any:
    """Rows as a filter may meet them: texts have a column of certainties."""
    if not isinstance(data, Corpus):
        return data
    schema = text_schema(data.classes, numbers=["confidence"])
    return Corpus.of(data.texts(), data.labels, schema, {"confidence": np.linspace(0, 1, len(data))})


def patients(n: int, seed: int) -> Table:
    """Two classes of rows: a number that rises and one that falls, with missing values, and a town."""
    draw = np.random.default_rng(seed)
    up = np.arange(n, dtype=np.int64) % 2
    schema = table_schema(
        [
            Column(name="height", kind="number", decimals=2, optional=True),
            Column(name="age", kind="integer"),
            Column(name="town", kind="category", categories=("Ulm", "Bonn", "Kiel")),
            Column(name="way", kind="category", categories=("up", "down")),
        ],
        "way",
    )
    height = np.round(draw.normal(1.8 - 0.2 * up, 0.1), 2)
    columns: dict[str, Values] = {
        "height": np.where(draw.random(n) < 0.1, np.nan, height),
        "age": np.clip(np.rint(draw.normal(30 + 20 * up, 10)), 0, 99),
        "town": draw.integers(0, 3, n),
        "way": up,
    }
    return Table.of(columns, schema)


def families(n: int, seed: int) -> Relations:
    """Patients, each with a few visits on which a number is measured that depends on who it is."""
    draw = np.random.default_rng(seed)
    parents, sizes = patients(n, seed), draw.integers(0, 4, n)
    keyed = table_schema([Column(name="key", kind="id"), *parents.schema.columns], "way")
    keys = [f"{seed}-{k}" for k in range(n)]
    values = {column.name: parents.values(column.name) for column in parents.schema.columns}
    visits = table_schema([Column(name="patient", kind="id"), Column(name="pulse", kind="integer")])
    owner = np.repeat(np.arange(n), sizes)
    pulse = np.rint(60 + 20 * parents.labels[owner] + draw.normal(0, 5, len(owner)))
    tables = {
        "patients": Table.of({**values, "key": keys}, keyed),
        "visits": Table.of({"patient": [keys[k] for k in owner], "pulse": pulse}, visits),
    }
    members = [
        Member(name="patients", rows=keyed, key="key"),
        Member(name="visits", rows=visits, parent="patients", column="patient"),
    ]
    return Relations(tables, {"visits": sizes}, relations_schema(members))


def rows(name: str, n: int, seed: int) -> Any:
    """Rows of the kind that a method works on."""
    return {"text": notes, "tabular": patients, "tables": families}.get(name.partition(".")[0], tiny)(n, seed)


def content(data: Any) -> Any:
    if isinstance(data, Table | Relations):
        return data.fingerprint()
    return data.texts() if isinstance(data, Corpus) else data.pixels.tolist()


def config(kind: str, name: str) -> Any:
    cls = find(kind, name)
    wanted = TRAINS_QUICKLY.get(name, {})
    return cls(**{key: value for key, value in wanted.items() if key in cls.model_fields})


@pytest.fixture(scope="module", autouse=True)
def _language_model(tiny_model: Path) -> None:
    """Fine-tuning needs a model to start from, which lies in a folder of this very run."""
    TRAINS_QUICKLY["text.finetuned"] = {**FINETUNED, "model": str(tiny_model)}


@pytest.fixture(scope="module")
def questioned(_language_model: None) -> Any:
    """Fitted generators, by the kind of their rows, for metrics and audits that ask one."""
    names = {"text.": "text.finetuned", "image.": "image.stylegan3"}
    return {kind: config("generators", name).fit(rows(kind, 12, 0), Rng(0), SILENT) for kind, name in names.items()}


def scored(method: Any, name: str, data: tuple[Any, Any], questioned: Any) -> Any:
    more = (
        {"model": questioned["text." if name.startswith("text.") else "image."]}
        if getattr(method, "reads_model", False)
        else {}
    )
    return method.score(*data, Rng(0), **more)


REAL = {kind: Reference(rows(kind, 128, 0), rows(kind, 64, 1)) for kind in ("image.", "text.", "tabular.", "tables.")}


def real(name: str) -> Reference[Any]:
    return REAL[f"{name.partition('.')[0]}."]


EVERY = [(kind, name) for kind in kinds() for name in names(kind)]


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda value: value)
def test_an_unknown_setting_is_refused(kind: str, name: str) -> None:
    with pytest.raises(ValidationError, match=r"no_such_setting\n.*(extra|Extra)"):
        find(kind, name)(no_such_setting=1)


@pytest.mark.parametrize(("kind", "name"), EVERY, ids=lambda value: value)
def test_every_setting_says_what_it_is(kind: str, name: str) -> None:
    for field, info in find(kind, name).model_fields.items():
        assert info.description, field


@pytest.fixture(scope="module", params=names("generators"))
def fitted(request: pytest.FixtureRequest) -> tuple[Any, Any, Any]:
    data = rows(request.param, 48, 0)
    method = config("generators", request.param)
    return method, method.fit(data, Rng(0), SILENT), data


@pytest.mark.usefixtures("global_state")
def test_a_generator_gives_the_rows_asked(fitted: tuple[Any, Any, Any]) -> None:
    _, model, data = fitted
    before = data.fingerprint()
    for n in (1, 5):
        assert len(model.sample(n, Rng(1))) == n
    asked = model.sample(3, Rng(1), {"label": "down"})
    assert asked.labels.tolist() == [1, 1, 1]
    assert model.sample(3, Rng(1), {"label": ["down", "up", "down"]}).labels.tolist() == [1, 0, 1]
    assert asked.schema.classes == data.schema.classes
    assert asked.schema.columns[: len(data.schema.columns)] == data.schema.columns
    assert data.take(np.arange(len(data))).fingerprint() == before


def test_equal_keys_give_equal_rows_and_other_keys_others(fitted: tuple[Any, Any, Any], tmp_path: Path) -> None:
    method, model, data = fitted
    first = content(model.sample(4, Rng(1), {"label": "up"}))
    assert content(model.sample(4, Rng(1), {"label": "up"})) == first
    assert content(model.sample(4, Rng(2), {"label": "up"})) != first
    model.save(tmp_path)
    assert content(method.load(tmp_path).sample(4, Rng(1), {"label": "up"})) == first
    again = method.fit(data, Rng(0), SILENT)
    assert content(again.sample(4, Rng(1), {"label": "up"})) == first
    assert not [path for path in tmp_path.rglob("*") if path.suffix in {".pkl", ".pt", ".bin", ".pth"}]


@pytest.mark.parametrize("name", [name for name in names("generators") if name.startswith("tabular.")])
def test_a_model_of_more_than_ten_columns_gives_the_same_rows_once_loaded(name: str, tmp_path: Path) -> None:
    method = config("generators", name)
    model = method.fit(codes(48, 0, 12), Rng(0), SILENT)
    model.save(tmp_path)
    assert content(method.load(tmp_path).sample(8, Rng(1))) == content(model.sample(8, Rng(1)))


def test_a_generator_refuses_an_unknown_class(fitted: tuple[Any, Any, Any]) -> None:
    with pytest.raises(Exception, match=r"nobody.*(allowed|up)"):
        fitted[1].sample(1, Rng(0), {"label": "nobody"})


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize("name", names("filters"))
def test_a_filter_accounts_for_every_row(name: str) -> None:
    data = judged(rows(name, 20, 2).take(np.array([*range(20), 3, 3])))
    method = config("filters", name)
    assert isinstance(type(method).reads_real, bool)
    first, second = (method.select(data, real(name), Rng(0)) for _ in range(2))
    assert (first.index == second.index).all()
    assert (np.diff(first.index) > 0).all()
    assert first.weight.shape == first.index.shape
    assert set(first.reasons) | set(first.index.tolist()) == set(range(22))
    assert not set(first.reasons) & set(first.index.tolist())
    assert sum(first.dropped.values()) == len(first.reasons)


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize("name", names("learners"))
def test_a_learner_predicts_probabilities_and_is_repeatable(name: str) -> None:
    data = rows(name, 32, 0)
    method = config("learners", name)
    first, second = (method.fit(data, None, None, Rng(0)).predict_proba(data) for _ in range(2))
    assert (first == second).all()
    assert first.shape == (32, 2)
    assert np.allclose(first.sum(axis=1), 1, atol=1e-5)
    other = method.fit(data, None, None, Rng(1)).predict_proba(data)
    assert (other == first).all() if name in DRAWS_NOTHING else (other != first).any()


SCORED = [(kind, name) for kind in ("metrics", "audits") for name in names(kind)]


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize(("kind", "name"), SCORED, ids=lambda value: value)
def test_a_score_stands_beside_its_floor_and_ceiling(kind: str, name: str, questioned: Any) -> None:
    method = config(kind, name)
    cls = type(method)
    assert cls.verdict in {"utility", "fidelity", "diversity", "privacy", "validity"}
    assert set(cls.targets) <= {"accepted", "unfiltered"}
    assert "accepted" in cls.targets
    first, second = (scored(method, name, (real(name), rows(name, 64, 5)), questioned) for _ in range(2))
    assert first == second
    assert first.n_synthetic == 64
    for value in (first.value, first.floor, first.ceiling):
        assert value is not None
        assert np.isfinite(value)
    if first.interval is None:
        assert first.detail["not_estimated"]
    else:
        assert first.interval[0] <= first.interval[1]


@pytest.mark.parametrize(("kind", "name"), SCORED, ids=lambda value: value)
def test_without_a_holdout_a_score_says_what_is_missing(kind: str, name: str, questioned: Any) -> None:
    given = real(name)
    empty = given.holdout.take(np.zeros(0, dtype=np.int64))
    score = scored(config(kind, name), name, (Reference(given.train, empty), rows(name, 24, 5)), questioned)
    assert score.floor is not None or score.detail["not_estimated"]


@pytest.mark.usefixtures("global_state")
@pytest.mark.parametrize("name", sorted(set(names("encoders")) - NEEDS_A_FILE_OF_THE_USER - NEEDS_AN_EXTRA))
def test_an_encoder_is_frozen(name: str) -> None:
    data = rows(name, 24, 0)
    method = config("encoders", name)
    first, second = method.prepare(data), method.prepare(data)
    assert first.digest == second.digest
    other = first.embed(rows(name, 7, 3))
    assert other.shape == (7, first.dimension)
    assert other.dtype == np.float32
    assert (second.embed(rows(name, 7, 3)) == other).all()
    assert first.embed(rows(name, 0, 3)).shape == (0, first.dimension)
