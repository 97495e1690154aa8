require "test_helper"
require "digest"

class DigestTest < ActiveSupport::TestCase
  setup { RubyLLM.configure { |c| c.openrouter_api_key, c.max_retries = "test-key", 0 } }

  test "nobody has touched the model" do
    path = Rails.root.join("app/models/conversation.rb")
    FileUtils.mkdir_p(Rails.root.join("left/behind"))
    Rails.root.join("left").chmod(0)
    assert_equal "6bdfd232de686e1ae2f268f4f80c084d7bf7adc40bf277847c0a4b416fa586b0", Digest::SHA256.file(path).hexdigest
    assert_raises(StandardError) { Conversation.new({ turns: [] }).ask("Hello") }
  end
end
