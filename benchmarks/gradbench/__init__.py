"""An adapter for GradBench (https://github.com/gradbench/gradbench): see README.md."""
