Gem::Specification.new do |spec|
  spec.name = "chatty"
  spec.add_dependency "rails", ">= 8.0"
  spec.add_dependency "ruby_llm"
end
