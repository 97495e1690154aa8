require "test_helper"

class ConversationFlowTest < ActionDispatch::IntegrationTest
  test "two turns: the second carries the first, and the page shows both" do
    stub_replies("Hello, Ada!", "You are Ada.")
    say "I am Ada."
    say "Who am I?"

    assert_equal [["user", "I am Ada."], ["assistant", "Hello, Ada!"], ["user", "Who am I?"]], sent_turns
    get root_path
    assert_equal(["I am Ada.", "Who am I?"], css_select("[data-role=user]").map { |node| node.text.strip })
  end

  test "a turn that failed is not replayed by the next one" do
    stub_failure(500)
    say "Lost"
    stub_replies("Hello")
    say "Hi"

    assert_equal [%w[user Hi]], sent_turns
    get root_path
    assert_select "article", 2
  end

  test "visitors do not see each other" do
    stub_replies("Hello, Ada!")
    say "I am Ada."

    open_session do |visitor|
      visitor.get root_path
      visitor.assert_select "article", 0
    end
  end

  private

  def say(text) = post(messages_path, params: { message: { text: } })
end
