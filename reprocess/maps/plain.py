"""Maps as arrays of numpy with their names: what commands make, write and draw.

Python users get a Dataset of xarray. Commands do without: with xarray come pandas and a part of Dask, which
take as long to import as two maps take to draw. What reads a map by ``attrs``, ``variables``, names in
brackets and ``values`` takes either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    AnyMaps: TypeAlias = "Maps | xr.Dataset"


@dataclass(frozen=True)
class Values:
    """One variable of maps."""

    dims: tuple[str, ...]
    values: np.ndarray
    attrs: Mapping[str, Any]


@dataclass(frozen=True)
class Maps:
    """Variables of maps, those of `coordinates` among them, and what is said of all."""

    variables: Mapping[str, Values]
    coordinates: Sequence[str]
    attrs: Mapping[str, Any]

    def __getitem__(self, name: str) -> Values:
        """Return a variable."""
        return self.variables[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a variable."""
        return name in self.variables

    def assign_attrs(self, attrs: Mapping[str, Any]) -> "Maps":
        """Return the maps with more said of all."""
        return replace(self, attrs={**self.attrs, **attrs})

    def of_classes(self, names: Sequence[str]) -> "Maps":
        """Return the maps of some classes."""
        known = self["event_class"].values.tolist()
        return self._at([known.index(name) for name in names])

    def of_class(self, name: str) -> "Maps":
        """Return the maps of a class, without the dimension of classes and its coordinate."""
        chosen = self._at(self["event_class"].values.tolist().index(name))
        some = {key: values for key, values in chosen.variables.items() if key != "event_class"}
        return replace(chosen, variables=some, coordinates=[c for c in self.coordinates if c in some])

    def _at(self, index: int | list[int]) -> "Maps":
        """Return the maps at a place of the dimension of classes, or at several."""

        def taken(one: Values) -> Values:
            if "event_class" not in one.dims:
                return one
            kept = [dim for dim in one.dims if dim != "event_class" or isinstance(index, list)]
            axis = one.dims.index("event_class")
            return Values(tuple(kept), np.take(one.values, index, axis), one.attrs)

        return replace(self, variables={name: taken(one) for name, one in self.variables.items()})

    def dataset(self) -> "xr.Dataset":
        """Return the maps as xarray has them."""
        import xarray as xr

        # An array of numpy as it is: xarray imports Dask's arrays to find out about others.
        made = {
            name: xr.Variable(one.dims, one.values, dict(one.attrs), fastpath=True)
            for name, one in self.variables.items()
        }
        coordinates = {name: made.pop(name) for name in self.coordinates}
        return xr.Dataset(made, coordinates, dict(self.attrs))


def of_dataset(dataset: "AnyMaps") -> Maps:
    """Return maps that may be xarray's as arrays of numpy."""
    if isinstance(dataset, Maps):
        return dataset
    variables = {
        str(name): Values(tuple(map(str, one.dims)), np.asarray(one.values), one.attrs)
        for name, one in dataset.variables.items()
    }
    return Maps(variables, [str(name) for name in dataset.coords], dataset.attrs)


def edges_of(dataset: "AnyMaps") -> tuple[np.ndarray, np.ndarray]:
    """Return the edges of the bins in L, shape (n_L + 1,), and in MLT (h), shape (n_MLT + 1,)."""
    bounds = (dataset[f"{name}_bounds"].values for name in ("L", "MLT"))
    L, MLT = (np.append(edges[:, 0], edges[-1, 1]) for edges in bounds)
    return L, MLT
