Gem::Specification.new { |s| s.name = "ruby_llm" }
