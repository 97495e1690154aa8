class MessagesController < ApplicationController
  def create
    @reply = ChatService.for(session[:visitor]).ask(params[:content])
  end
end
