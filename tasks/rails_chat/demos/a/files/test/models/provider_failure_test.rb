require "test_helper"

class ProviderFailureTest < ActiveSupport::TestCase
  test "tells a rejected key from a busy model" do
    assert_match "OPENROUTER_API_KEY", ProviderFailure.explain(RubyLLM::UnauthorizedError.new)
    assert_match "Too many requests", ProviderFailure.explain(RubyLLM::RateLimitError.new)
  end

  test "has words for an error it does not know" do
    assert_match "no answer", ProviderFailure.explain(RubyLLM::Error.new(nil, "teapot"))
  end

  test "never repeats the provider's own words" do
    ProviderFailure::EXPLANATIONS.each_key do |kind|
      assert_no_match "internal detail", ProviderFailure.explain(kind.new("internal detail"))
    end
  end
end
