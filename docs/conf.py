# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx's configuration; `make docs` builds the site."""

from __future__ import annotations

project = "kubemysql.replication"
author = "The kubemysql.replication authors"
root_doc = "docs/index"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
# A link that leads nowhere is an error.
nitpicky = True
html_theme = "sphinx_ansible_theme"
html_show_sourcelink = False
html_title = "kubemysql.replication"
pygments_style = "ansible"
