source "https://rubygems.org"
gem "railties", "~> 8.0"
%w[actionpack actionview ruby_llm puma].each { |name| gem name }
gem "simplecov", group: :test, require: false
