"""The mark of simulated records, on whatever the library hands out of them."""

import xarray as xr

SIMULATED = "the files say that they are simulated"
"""Value of the attribute ``simulated``; measurements have no such attribute."""


def marked(dataset: xr.Dataset) -> xr.Dataset:
    """Return a Dataset with the mark on it and on each of its data variables.

    Their ``long_name`` says it too, because that is what xarray labels the axes and colours of a figure with.
    """
    variables = {
        name: array.assign_attrs(
            simulated=SIMULATED, long_name=f"{array.attrs.get('long_name', name)} (simulated)"
        )
        for name, array in dataset.data_vars.items()
    }
    return dataset.assign(variables).assign_attrs(simulated=SIMULATED)
