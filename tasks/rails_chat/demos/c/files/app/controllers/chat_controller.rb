class ChatController < ApplicationController
  def index
  end

  def create
    reply = ChatService.new.reply_to(params[:message].to_s)
    render json: { reply: reply }
  end
end
