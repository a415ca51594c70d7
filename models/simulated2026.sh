#!/usr/bin/env bash
# Trains the bundled model from nothing and measures it: simulate, ingest, train, evaluate.
#   models/simulated2026.sh [FOLDER]     simulated data go to FOLDER, 2.5 GB; default ./simulated2026-data
# The model is written to models/simulated2026, its measurements into its card.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:-simulated2026-data}
workers=${WORKERS:-2}

lists=()
for start in 2013-03-04 2013-10-03 2014-03-14 2014-09-11 2015-06-17 \
    2015-11-05 2016-04-10 2016-11-08 2017-08-07 2018-05-02; do
    reprocess simulate "$data/train-$start" --satellite noaa15,noaa18,noaa19,metop02 \
        --start "$start" --days 10 --seed 2026 --events-per-day 30 --situations-per-day 1 --workers "$workers"
    reprocess ingest "$data/train-$start" "$data/train-work" --workers "$workers"
    lists+=(--events "$data/train-$start/truth.parquet")
done
reprocess train "$data/train-work" "${lists[@]}" --card-entries models/simulated2026.json \
    -o models/simulated2026 --lstm-units 128 --dropout 0.3 --batch 512 --decay 0.85 --epochs 22 --patience 8

# A satellite and a seed that it was not trained on, events as rare as the simulator thinks realistic.
reprocess simulate "$data/unseen" --satellite metop01 --start 2017-03-01 --days 60 --seed 99 --workers "$workers"
reprocess ingest "$data/unseen" "$data/unseen-work" --workers "$workers"
for model in models/simulated2026 capannolo2022; do
    reprocess evaluate "$data/unseen-work" --model "$model" --events "$data/unseen/truth.parquet" \
        --card models/simulated2026 --workers "$workers"
done
