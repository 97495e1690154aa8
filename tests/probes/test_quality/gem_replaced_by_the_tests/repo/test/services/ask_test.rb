class AskTest < ActiveSupport::TestCase
  test "answers" do
    assert_equal "Hi", Ask.new.call("Hello")
  end
end
