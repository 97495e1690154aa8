require "test_helper"

class ChatsControllerTest < ActionDispatch::IntegrationTest
  test "shows the composer" do
    get root_path

    assert_response :success
    assert_select "form[action='#{messages_path}'] textarea[name=content]"
  end

  test "starts a new chat" do
    delete chat_path

    assert_redirected_to root_path
  end
end
