# Takes one message and answers with the turn: as Turbo Streams, or as the whole page without JavaScript.
class MessagesController < ApplicationController
  def create
    @text = params.require(:message).permit(:text)[:text]
    @result = ChatTurn.new(conversation_id, store: conversations).call(@text)
    @result.success? ? respond_with_turn : respond_with_failure
  end

  private

  def respond_with_turn
    respond_to do |format|
      format.html { redirect_to root_path, status: :see_other }
      format.turbo_stream
    end
  end

  def respond_with_failure
    @conversation = conversations.find(conversation_id)
    respond_to do |format|
      format.html { render "chats/show", status: :unprocessable_content }
      format.turbo_stream { render :failure, status: :unprocessable_content }
    end
  end
end
