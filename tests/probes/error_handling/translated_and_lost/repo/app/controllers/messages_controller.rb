class MessagesController < ApplicationController
  def create
    @reply = Ask.new.call(params[:text])
  rescue ActiveRecord::RecordNotFound
    redirect_to root_path
  end
end
