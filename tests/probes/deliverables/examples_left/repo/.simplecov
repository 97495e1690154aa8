SimpleCov.start "rails" if ENV["COVERAGE"]
