"""What an archive tells: standings, comparisons, the site, exports."""
