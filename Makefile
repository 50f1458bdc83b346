# Everything starts here: `make demo`, `make test`. Each does its own set-up; the first time takes a few minutes.

PYTHON ?= python3
VENV := .venv
RUN := $(if $(ROS_DISTRO),. $(VENV)/local_setup.sh && )$(VENV)/bin/
export MUJOCO_GL ?= egl

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench clean

help:  ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 22

setup:  ## make .venv: ROS 2 wheels where no ROS is sourced, PyTorch, MuJoCo, this package (PYTHON=python3.11)
	@$(PYTHON) tools/set_up.py

demo: setup  ## collect, convert, train and run on a simulated Panda (TASK=reach MINUTES=5 ROBOT=polymetis ARGS='...')
	@$(RUN)muse demo $(if $(TASK),--task $(TASK)) $(if $(ROBOT),--robot $(ROBOT)) $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

test: setup  ## run the tests (ARGS='-k contract')
	@$(RUN)python -m pytest $(ARGS)

lint: setup  ## check style and layout: ruff, its pinned version
	@$(RUN)ruff check . && $(VENV)/bin/ruff format --check .

bench: setup  ## measure, beside other projects where they are installed, see bench/README.md (BENCH='sampling startup')
	@for name in $(or $(BENCH),sampling training encoder startup); do $(RUN)python bench/$$name.py || exit 1; done

clean:  ## remove what the set-up made, and caches; recordings, data and experiments stay
	rm -rf $(VENV) build install log *.egg-info .pytest_cache .ruff_cache
