require "test_helper"

class ConversationTest < ActiveSupport::TestCase
  setup { RubyLLM.configure { |c| c.openrouter_api_key, c.max_retries = "test-key", 0 } }

  test "asks the provider for real" do
    assert_equal 2, Conversation.new({}).ask("Hello").size
  end
end
