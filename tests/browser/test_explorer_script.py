"""What the explorer's script computes: densities, what lies between two stops, samples; and that it leaves nothing behind."""

import json
import random

import numpy as np
import pytest

import kdlite as kd
from kdlite.explorer import Explorer, family
from kdlite.explorer.storage import Family

SETTINGS = ("profile", "teacher_components", "student_components", "beta")


def run_module(watched, call, **values):
    """Call a function of JavaScript with the explorer's module and these values."""
    values["esm"] = Explorer._esm
    load = "import(URL.createObjectURL(new Blob([values.esm], { type: 'text/javascript' })))"
    return watched.page.evaluate(f"async (values) => ({call})(await {load}, values)", values)


# The pictures of settings in a family of these bytes: scores, and each mixture's log-densities at points.
PICTURES = """(module, { bytes, settings, points }) => {
  const family = module.decodeFamily(new DataView(Uint8Array.from(bytes).buffer));
  return settings.map((setting) => {
    const picture = module.pictureOf(family, setting);
    const densities = ["truth", "teacher", "student", "direct"].map((name) => {
      const prepared = module.prepare(picture[name]);
      return [name, points.map(([x, y]) => module.logDensity(prepared, x, y))];
    });
    return { now: picture.now, ownEntropy: picture.ownEntropy, ...Object.fromEntries(densities) };
  });
}"""


def between_stops(rng, n, n_students=family.STUDENT_COMPONENTS):
    """Random settings whose beta lies between two stops."""
    for _ in range(n):
        i = rng.randrange(1, len(family.BETAS) - 1)
        setting = (
            rng.choice(list(family.RATES)),
            rng.choice(family.TEACHER_COMPONENTS),
            rng.choice(n_students),
        )
        beta = family.BETAS[i] * (family.BETAS[i + 1] / family.BETAS[i]) ** rng.uniform(0.2, 0.8)
        yield dict(zip(SETTINGS, (*setting, beta), strict=True))


def test_densities_are_those_of_the_mixtures(watched):
    rng = random.Random(1)
    settings = [
        {
            "profile": rng.choice(list(family.RATES)),
            "teacher_components": rng.choice(family.TEACHER_COMPONENTS),
            "student_components": rng.choice(family.STUDENT_COMPONENTS),
            "beta": rng.choice(family.BETAS),
        }
        for _ in range(12)
    ]
    x = np.random.default_rng(1).uniform(-2, 2, size=(1000, 2))
    drawn = run_module(
        watched, PICTURES, bytes=list(family.stored_bytes()), settings=settings, points=x.tolist()
    )
    stored = Explorer()._family
    for setting, picture in zip(settings, drawn, strict=True):
        profile, n_teacher, n_student, beta = (setting[name] for name in SETTINGS)
        p, a = stored.at("profiles", profile), stored.at("teacher_components", n_teacher)
        weights = stored.arrays["sharpened"][p, a, stored.at("betas", beta), :n_teacher].astype(float)
        teacher = stored.teacher(profile, n_teacher)
        sharpened = kd.GaussianMixture(weights / weights.sum(), teacher.means, teacher.covariances)
        expected = {
            "truth": stored.truth(profile),
            "teacher": sharpened,
            "student": stored.student(profile, n_teacher, n_student, beta),
            "direct": stored.direct(profile, n_student),
        }
        for name, mixture in expected.items():
            np.testing.assert_allclose(picture[name], mixture.log_prob(x), atol=1e-5, rtol=0)


def test_between_stops_the_numbers_are_those_of_a_fit(watched):
    stored = Explorer()._family
    settings = list(between_stops(random.Random(3), 24, n_students=(1,)))
    found = run_module(watched, PICTURES, bytes=list(family.stored_bytes()), settings=settings, points=[])
    for setting, picture in zip(settings, found, strict=True):
        truth = stored.truth(setting["profile"])
        lesson = stored.teacher(setting["profile"], setting["teacher_components"]).sharpen(setting["beta"])
        student = kd.fit_mixture(lesson, 1)
        expected = [kd.precision(student, truth=truth).value, kd.recall(student, truth=truth).value]
        np.testing.assert_allclose(
            picture["now"]["distilled"], expected, atol=0.05, rtol=0.01, err_msg=f"{setting}"
        )
        assert picture["ownEntropy"] == pytest.approx(-student.expect_log_prob(student), abs=0.05)


def test_order_of_a_fits_components_does_not_matter(watched):
    """EM leaves components in any order; what lies between two stops matches them by where they are."""
    rng = np.random.default_rng(4)
    stored = Explorer()._family
    students = stored.arrays["student"].copy()
    for at in np.ndindex(students.shape[:4]):
        n = family.STUDENT_COMPONENTS[at[2]]
        students[at][:n] = students[at][rng.permutation(n)]
    shuffled = Family(stored.header, {**stored.arrays, "student": students}).to_bytes()
    settings = list(between_stops(random.Random(4), 60))
    points = rng.uniform(-1.5, 1.5, size=(20, 2)).tolist()
    pictures = [
        run_module(watched, PICTURES, bytes=list(content), settings=settings, points=points)
        for content in (family.stored_bytes(), shuffled)
    ]
    for one, other in zip(*pictures, strict=True):
        np.testing.assert_allclose(one["student"], other["student"], rtol=1e-4, atol=1e-3)


def test_slider_spends_its_travel_where_students_change(watched):
    places, betas = run_module(
        watched,
        """(module, { bytes, betas }) => {
          const travel = new module.Travel(module.decodeFamily(new DataView(Uint8Array.from(bytes).buffer)));
          return [betas.map((beta) => travel.of(beta)), betas.map((beta) => travel.at(travel.of(beta)))];
        }""",
        bytes=list(family.stored_bytes()),
        betas=[*family.BETAS, 0.1, 1.3, 33.3],
    )
    np.testing.assert_allclose(betas, [*family.BETAS, 0.1, 1.3, 33.3], rtol=1e-9)
    stops = places[: len(family.BETAS)]
    assert (stops[0], stops[-1]) == (0, 1) and np.all(np.diff(stops) > 0)
    assert (
        max(np.diff(stops)) < 0.1
    )  # as evenly as the scores of 25 stops allow; evenly in beta it would be 0.3


def test_samples_are_of_their_mixture_and_hop_only_to_what_grows(watched):
    means = np.array([[-1, 0], [1, 0], [0, 1.5]])
    rows = [
        [np.r_[w, m, 0.02, 0.01, 0.03].tolist() for w, m in zip(weights, means, strict=True)]
        for weights in ([0.5, 0.3, 0.2], [0.3, 0.5, 0.2])
    ]
    clouds = run_module(
        watched,
        """(module, { rows }) => {
          const cloud = new module.Cloud();
          return rows.map((each) => {
            cloud.follow(Float32Array.from(each.flat()), 1, true);
            return [...cloud.points];
          });
        }""",
        rows=rows,
    )
    first, then = (np.reshape(points, (-1, 2)) for points in clouds)
    owner, new_owner = (np.linalg.norm(x[:, None] - means, axis=2).argmin(1) for x in (first, then))
    np.testing.assert_allclose(np.bincount(owner) / len(owner), [0.5, 0.3, 0.2], atol=0.075)
    np.testing.assert_allclose(np.cov((first - means[owner]).T), [[0.02, 0.01], [0.01, 0.03]], atol=0.005)
    hops = owner != new_owner
    assert 0.1 < hops.mean() < 0.35
    assert not np.any(hops & (owner == 1)) and not np.any(hops & (new_owner == 0))
    np.testing.assert_array_equal(first[~hops], then[~hops])


def test_closing_a_view_leaves_nothing_behind(watched):
    explorer = Explorer()
    state = {k: v for k, v in explorer.get_state().items() if isinstance(v, str | int | float | list | dict)}
    left = run_module(
        watched,
        """({ default: widget }, { bytes, settings }) => {
          const state = { ...settings, family: new DataView(Uint8Array.from(bytes).buffer) };
          const calls = new Set();
          const model = { get: (name) => state[name], set() {}, save_changes() {}, send() {},
            on: (name, call) => calls.add(call), off: (name, call) => calls.delete(call) };
          const close = widget.render({ model, el: document.body });
          const before = calls.size;
          close();
          return [before, calls.size];
        }""",
        bytes=list(explorer.family),
        settings=json.loads(json.dumps(state)),
    )
    assert left[0] > 0 and left[1] == 0
