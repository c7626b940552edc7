#!/bin/sh
# Compile the theme's style sheet. `make css` calls this; only theme authors need it.
set -e
cd "$(dirname "$0")"
npm install --no-save --no-audit --no-fund --loglevel=error
npm run --silent css
ls -l ../opticworks_theme_default/static/theme.css
