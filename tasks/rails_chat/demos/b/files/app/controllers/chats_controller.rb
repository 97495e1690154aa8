class ChatsController < ApplicationController
  def show
    @messages = conversation.messages
  end

  def destroy
    conversation.clear
    redirect_to root_path, status: :see_other
  end
end
