class MessagesController < ApplicationController
  def index
    @turns = session[:turns]
  end

  def create
    @reply = Ask.new.answer(params[:text])
  end
end
