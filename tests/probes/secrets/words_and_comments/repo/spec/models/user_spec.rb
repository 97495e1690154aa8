RSpec.describe User do
  it { described_class.new(password: "SomeQuiteLongPhrase123") }
end
