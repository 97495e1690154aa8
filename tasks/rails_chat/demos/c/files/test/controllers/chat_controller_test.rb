require "test_helper"

class ChatControllerTest < ActionDispatch::IntegrationTest
  test "index shows the chat page" do
    get root_path
    assert_response :success
    assert_select "h1", "Chatter"
    assert_select "form[action=?]", chat_path
  end

  test "create returns the reply as JSON" do
    ChatService.any_instance.stubs(:reply_to).with("Hello").returns("Hi there!")
    post chat_path, params: { message: "Hello" }, as: :json
    assert_response :success
    assert_equal "Hi there!", response.parsed_body["reply"]
  end
end
