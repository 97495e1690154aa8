CI.run do
  step "Style", "bin/rubocop"
end
