#!/usr/bin/env bash
# Trains the bundled model from nothing and measures it: simulate, ingest, train, evaluate.
#   models/simulated2026.sh [FOLDER]     simulated data go to FOLDER, 4 GB; default ./simulated2026-data
# The model is written to models/simulated2026, its measurements into its card, all scores into FOLDER/*-work/runs.
set -euo pipefail
cd "$(dirname "$0")/.."
data=${1:-simulated2026-data}
workers=${WORKERS:-2}

lists=()
for start in 2013-03-04 2013-10-03 2014-03-14 2014-09-11 2015-06-17 2016-04-10 2017-08-07 2018-05-02; do
    reprocess simulate "$data/train-$start" --satellite noaa15,noaa18,noaa19,metop02 \
        --start "$start" --days 10 --seed 2026 --events-per-day 30 --situations-per-day 1 --workers "$workers"
    reprocess ingest "$data/train-$start" "$data/train-work" --workers "$workers"
    lists+=(--events "$data/train-$start/truth.parquet")
done
reprocess train "$data/train-work" "${lists[@]}" --card-entries models/simulated2026.json \
    -o models/simulated2026 --lstm-units 64 --dropout 0.3 --batch 512 --decay 0.85 --epochs 22 --patience 8

# Satellites and seeds that it was not trained on: events as rare as the simulator thinks realistic, and hard ones.
reprocess simulate "$data/unseen" --satellite metop01,noaa17 --start 2012-01-01 --days 182 --seed 2027 --workers "$workers"
reprocess simulate "$data/hard" --satellite metop01,noaa17 --start 2018-09-01 --days 30 --seed 98 \
    --situations-per-day 1 --workers "$workers"
for days in unseen hard; do
    reprocess ingest "$data/$days" "$data/$days-work" --workers "$workers"
    card=$([ "$days" = unseen ] && echo --card models/simulated2026 || true)
    for model in models/simulated2026 capannolo2022; do
        for mode in published continuous; do
            # shellcheck disable=SC2086  # an option and its value, or nothing
            reprocess evaluate "$data/$days-work" --model "$model" --mode "$mode" \
                --events "$data/$days/truth.parquet" $card --workers "$workers"
        done
    done
done
