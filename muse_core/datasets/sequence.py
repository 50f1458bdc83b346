"""Windows over the episodes of one dataset, gathered into batches as fast as numpy copies.

Arrays that are no images are kept in memory, each as one column over all episodes, so that a batch takes one gather a
key. Images are kept too while they fit; what does not fit is copied straight from its file's memory map.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from muse_core.datasets.batches import WindowData
from muse_core.datasets.draws import integers
from muse_core.datasets.frames import copy_images, copy_windows
from muse_core.datasets.open_episodes import OpenEpisodes
from muse_core.datasets.statistics import RunningStatistics, Statistics
from muse_core.datasets.store import DatasetError, Episode, EpisodeStore
from muse_core.datasets.views import View
from muse_core.datasets.windows import Windows, index_windows, window_rows
from muse_core.spec import Arrays, ArraySpec, Spec

GOAL = "goal/"
_CHUNK = 2**16  # rows at a time, where float64 copies are made


class SequenceDataset(WindowData):
    """Windows over some episodes of a dataset.

    Attributes:
        spec: Of a batch: the keys asked for and the goals. What is float64 on disk is float32 here.
        windows: Where each window begins.
        ids: Names of the episodes, by their number in `windows`.
    """

    def __init__(
        self,
        store: EpisodeStore,
        names: Sequence[str],
        horizon: int,
        *,
        observation_steps: int | None = None,
        goal_keys: Sequence[str] = (),
        goal_kind: Literal["final", "future"] = "final",
        episodes: Sequence[int] | None = None,
        pad_start: int = 0,
        pad_end: int | None = None,
        stride: int = 1,
        skip: int = 1,
        seed: int = 0,
        memory_bytes: int = 2 * 1024**3,
    ) -> None:
        """Index the windows and take in what is to be kept in memory.

        Args:
            store: Episodes on disk.
            names: Keys to read. One of the role ``episode`` is the same in every step, so that it has no time axis.
            horizon: Steps in a window, H.
            observation_steps: How many of them, from the first, hold observations, O; all by default.
            goal_keys: Keys whose state is what a window is asked to reach; a batch has it as ``goal/<key>``, (B, ...).
                What the episodes store under that name themselves is taken from there, from the window's first row.
            goal_kind: Else it is that of the ``final`` row of the episode, or of a ``future`` one, drawn uniformly from
                the window's last step to the end.
            episodes: Positions in the store; all by default.
            pad_start: Steps that a window may begin before its episode.
            pad_end: Steps that a window may end after its episode; ``horizon - 1`` by default.
            stride: Rows between the starts of windows.
            skip: Rows from one step of a window to the next.
            seed: Of the rows that future goals are drawn from.
            memory_bytes: How much may be kept in memory.

        Raises:
            KeyError: naming a key that the store lacks.
            ValueError: naming an argument that is out of range, or a key that holds text.
            DatasetError: naming a file that is damaged or holds a value that is not finite.
        """
        self.ids = [store.ids[i] for i in (range(len(store)) if episodes is None else episodes)]
        self._store, self._seed = store, seed
        self._goal_kind = goal_kind
        stored = [GOAL + key for key in goal_keys if GOAL + key in store.spec]
        self._moving_goals = [key for key in goal_keys if GOAL + key not in stored]
        self._rows_spec = Spec({name: _in_memory(name, store.spec[name]) for name in (*names, *stored)})
        goals = {GOAL + key: replace(_in_memory(key, store.spec[key]), role="goal") for key in self._moving_goals}
        self.spec = Spec({**self._rows_spec, **goals})
        self._sources = list(dict.fromkeys((*self._rows_spec, *self._moving_goals)))  # what is read, each once
        self._observation_steps = horizon if observation_steps is None else observation_steps
        if not 1 <= self._observation_steps <= horizon:
            raise ValueError(f"observation_steps must be 1 to the horizon, {horizon}; got {observation_steps}")
        pads = {"pad_start": pad_start, "pad_end": horizon - 1 if pad_end is None else pad_end}
        self._window_shape = {"horizon": horizon, "stride": stride, "skip": skip, **pads}
        lengths = dict(zip(store.ids, store.lengths.tolist(), strict=True))
        self._index([lengths[name] for name in self.ids])
        self._choose_kept(memory_bytes)
        self._open = OpenEpisodes(store, self.ids, [n for n in self._sources if n not in self._kept_names])
        self._kept: list[Arrays] = []
        self._columns: Arrays = {}
        self._keep(self.ids)

    def __len__(self) -> int:
        return len(self.windows)

    @property
    def in_memory(self) -> bool:
        """Whether no file is read any more."""
        return len(self._kept_names) == len(self._sources)

    @property
    def stored_spec(self) -> Spec:
        """Of everything that the episodes hold, whether batches are made of it or not."""
        return self._store.spec

    @property
    def lead(self) -> dict[str, tuple[int, ...]]:
        """Batch key to its time dimensions: (T,), or () for goals and what belongs to a whole episode."""
        horizon, steps = self.windows.horizon, self._observation_steps
        times = {"observation": (steps,), "episode": (), "goal": ()}
        lead = {name: times.get(array.role, (horizon,)) for name, array in self.spec.items()}
        return {**lead, "mask": (horizon,), "observation_mask": (steps,)}

    def get_episode(self, which: int | str, names: Sequence[str] | None = None) -> Episode:
        """One of these episodes by its number here or its name, with these of the store's arrays; all by default."""
        return self._store.get_episode(which if isinstance(which, str) else self.ids[which], names)

    def add_episode(
        self, episode_id: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Append an episode to the store and its windows to these; they come after all that were there."""
        self._store.add_episode(episode_id, arrays, metadata)
        self.ids.append(episode_id)
        self._index([*self._lengths.tolist(), self._store.get_episode(episode_id, ()).length])
        self._keep([episode_id])

    def statistics(self) -> dict[str, Statistics]:
        """Statistics of every numeric array but images over the rows of these episodes, in one pass.

        Raises:
            ValueError: when there is no row to take statistics of.
        """
        found = {}
        for name, column in self._columns.items():
            running = RunningStatistics()
            for begin in range(0, len(column), _CHUNK):
                running.update(column[begin : begin + _CHUNK])
            found[name] = running.result()
        goals = {GOAL + key: found[key] for key in self._moving_goals if key in found}
        return {**{name: found[name] for name in self._rows_spec if name in found}, **goals}

    def fill(
        self,
        batch: Mapping[str, np.ndarray],
        places: np.ndarray,
        indices: np.ndarray,
        positions: np.ndarray,
        views: Mapping[str, View],
    ) -> None:
        """Write windows into some places of a batch, see :class:`~muse_core.datasets.batches.WindowData`."""
        windows, steps = self.windows, self._observation_steps
        episode, length = windows.episode[indices], windows.length[indices]
        rows, mask = window_rows(windows.start[indices], length, windows.horizon, windows.skip)
        batch["mask"][places], batch["observation_mask"][places] = mask, mask[:, :steps]
        arrays = [] if self._columns.keys() >= set(self._sources) else [self._arrays(n) for n in episode.tolist()]
        for name, (source, chosen) in self._chosen_rows(rows, length, positions).items():
            view = views.get(name)
            if source in self._columns:
                at = episode if chosen is None else (self._first[episode] + chosen.T).T
                _gather(self._columns[source], at, batch[name], places)
            elif chosen is not None and chosen.ndim == 2:
                real = mask[:, : chosen.shape[1]]
                copy_windows([each[source] for each in arrays], batch[name], places, chosen, real, windows.skip, view)
            else:
                copy_images([each[source] for each in arrays], batch[name], places, chosen, view)

    def _chosen_rows(
        self, rows: np.ndarray, length: np.ndarray, positions: np.ndarray
    ) -> dict[str, tuple[str, np.ndarray | None]]:
        """Where the values of a batch come from.

        Args:
            rows: (B, H) of the windows, within their episodes.
            length: (B,) rows of these episodes.
            positions: (B,) positions in the order of draws.

        Returns:
            Batch key to the key of the store and the rows of it: (B, T), (B,) where the batch has no time, and None for
            what belongs to whole episodes.
        """
        found: dict[str, tuple[str, np.ndarray | None]] = {}
        lead = self.lead
        for name in self._rows_spec:
            # A goal that the episode stores step by step is that of the window's first one.
            steps = rows[:, : lead[name][0]] if lead[name] else rows[:, 0]
            found[name] = (name, None if self._is_constant(name) else steps)
        goal = length - 1
        if self._goal_kind == "future":
            goal = rows[:, -1] + integers(self._seed, "goal", positions, length - rows[:, -1])
        return {**found, **{GOAL + key: (key, goal) for key in self._moving_goals}}

    def _index(self, lengths: Sequence[int]) -> None:
        self._lengths = np.asarray(lengths, np.int64)
        self._first = np.cumsum(self._lengths) - self._lengths
        self.windows: Windows = index_windows(self._lengths, **self._window_shape)

    def _choose_kept(self, memory_bytes: int) -> None:
        """Small arrays are kept whatever they take; images, from the smallest, while they fit."""
        specs = {name: self._store.spec[name] for name in self._sources}
        row_bytes = {n: int(np.prod(a.shape)) * np.dtype(a.dtype).itemsize for n, a in specs.items()}
        budget = memory_bytes // max(1, int(self._lengths.sum()))
        self._kept_names = [n for n in sorted(specs, key=row_bytes.__getitem__) if not specs[n].is_image]
        budget -= sum(row_bytes[n] for n in self._kept_names)
        for name in (n for n in specs if specs[n].is_image):
            if row_bytes[name] <= budget:
                self._kept_names.append(name)
                budget -= row_bytes[name]

    def _keep(self, ids: Sequence[str]) -> None:
        parts: dict[str, list[np.ndarray]] = {n: [] for n in self._kept_names if not self._is_image(n)}
        for episode_id in ids:
            found = self._store.get_episode(episode_id, self._kept_names).arrays
            try:
                kept = {name: np.array(found[name], self._dtype(name)) for name in self._kept_names}
            except ValueError as error:  # a frame that does not decode
                raise DatasetError(f"{error}; convert the episode again or remove it") from error
            for name, some in parts.items():
                array = kept.pop(name)
                self._check_finite(episode_id, name, array)
                some.append(array[None] if self._is_constant(name) else array)
            self._kept.append(kept)
        for name, some in parts.items():
            before = [self._columns[name]] if name in self._columns else []
            if before or some:
                self._columns[name] = np.concatenate([*before, *some])

    def _check_finite(self, episode_id: str, name: str, array: np.ndarray) -> None:
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            bad = np.flatnonzero(~np.isfinite(array.reshape(len(array), -1)).all(axis=1)) if array.ndim else [0]
            raise DatasetError(
                f"{self._store.path}, episode {episode_id}: {name} holds values that are not finite in {len(bad)} of "
                f"its rows, first in row {bad[0]}; remove or repair the episode, or train without {name}"
            )

    def _arrays(self, number: int) -> Mapping[str, np.ndarray]:
        """Images of one episode: kept in memory, or mapped."""
        kept = self._kept[number]
        return kept if self.in_memory else {**self._open[number], **kept}

    def _dtype(self, name: str) -> str:
        return _in_memory(name, self._store.spec[name]).dtype

    def _is_image(self, name: str) -> bool:
        return self._store.spec[name].is_image

    def _is_constant(self, name: str) -> bool:
        return self._store.spec[name].role == "episode"


def _in_memory(name: str, array: ArraySpec) -> ArraySpec:
    """As batches hold it.

    Raises:
        ValueError: when it holds text.
    """
    if array.dtype == "str":
        raise ValueError(f"{name} holds text, which no batch can; choose keys that hold numbers")
    return replace(array, dtype="float32") if array.dtype == "float64" else array


def _gather(column: np.ndarray, rows: np.ndarray, out: np.ndarray, places: np.ndarray) -> None:
    if len(places) == len(out):  # in order, then: straight into the buffer. Rows are legal; `clip` skips a copy
        np.take(column, rows, axis=0, out=out, mode="clip")
    else:
        out[places] = column[rows]
