require "test_helper"

class MessageBodyTest < ActiveSupport::TestCase
  test "plain text is one part" do
    assert_equal [["Hello\n\nthere", false]], parts("Hello\n\nthere\n")
  end

  test "fenced code stands apart from the prose around it" do
    assert_equal [["Look:", false], ["puts 1\n\nputs 2", true], ["Done.", false]],
                 parts("Look:\n```ruby\nputs 1\n\nputs 2\n```\nDone.")
  end

  test "a block that was never closed runs to the end" do
    assert_equal [["Look:", false], ["puts 1", true]], parts("Look:\n```\nputs 1")
  end

  test "code may come first" do
    assert_equal [["puts 1", true]], parts("```\nputs 1\n```")
  end

  private

  def parts(text) = MessageBody.new(text).parts.map { |part| [part.text, part.code?] }
end
