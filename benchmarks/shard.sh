#!/bin/sh
# Measures one part of a manifest, for an engine that runs the parts: a Slurm array, Ray Data, Spark.
#
#     benchmarks/shard.sh MANIFEST PART PARTS OUT
#
# MANIFEST: a file with REFERENCE, a tab, DISTORTED on each line; lines of one reference should stand together. PART: from 1
# to PARTS. OUT: the part's CSV file; called again, a part continues. The parts are cut by size, and no line is cut.
# The exit code is that of `perceptmetric`: 0, or 2 if pairs could not be measured (their lines have no distance).
#
#     sbatch --array=1-1000 --wrap 'benchmarks/shard.sh pairs.tsv $SLURM_ARRAY_TASK_ID 1000 out/$SLURM_ARRAY_TASK_ID.csv'
#     ray.data.range(1000).map(lambda part: subprocess.run(["benchmarks/shard.sh", "pairs.tsv", str(part["id"] + 1), ...]))
set -eu
[ "$#" -eq 4 ] || { echo "shard.sh: found $# arguments, expected MANIFEST PART PARTS OUT" >&2; exit 2; }
[ -r "$1" ] || { echo "shard.sh: $1: cannot be read" >&2; exit 2; }
split --number="l/$2/$3" "$1" | perceptmetric - --out "$4"
