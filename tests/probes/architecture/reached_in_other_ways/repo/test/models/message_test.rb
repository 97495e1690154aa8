class MessageTest < ActiveSupport::TestCase
  test("words") { assert_equal %w[b a], Message.new(content: "a b").reversed_words }
end
