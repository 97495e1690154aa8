# The one page, and starting over on it.
class ChatsController < ApplicationController
  def show
    @conversation = conversations.find(conversation_id)
  end

  def destroy
    conversations.delete(conversation_id)
    session.delete(:conversation_id)
    redirect_to root_path, status: :see_other
  end
end
